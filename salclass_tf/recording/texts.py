"""What people read on the screen, by language."""

TEXTS = {
    "en": {
        "continue": "Space: continue",
        "finish": "Space: end",
        "welcome_classification": (
            "You will see pictures that grow sharp.\n\n"
            "Press the space bar as soon as you recognise the class.\n"
            "Then choose its name.\n\n"
            "Before each picture, look at the cross."
        ),
        "welcome_free_viewing": (
            "You will see pictures.\n\nLook at them as you like.\n\n"
            "Before each picture, look at the cross."
        ),
        "welcome_memory": (
            "You will see pictures.\n\nTry to remember them: we will ask about them later.\n\n"
            "Before each picture, look at the cross."
        ),
        "calibration": (
            "Calibration\n\nFollow the dot with your eyes.\nKeep your head still.\n\n"
            "The space bar begins it, and ends it after the last dot."
        ),
        "pointer": "The picture is sharp around the pointer.\n\nMove it to what you want to see.",
        "training": "Training, round {round} of up to {rounds}\n\nLearn the names of the classes.",
        "quiz": "Now choose the name of each picture.",
        "right": "Right: {name}",
        "wrong": "This is: {name}",
        "passed": "Training is finished: {right} of {all} right.\n\nThe experiment begins.",
        "not_passed": "{right} of {all} right.\n\nThe experiment begins all the same.",
        "again": "{right} of {all} right.\n\nAnother round follows.",
        "which": "Which class was it?",
        "choose": "Type a part of the name, or use the arrow keys. Enter: choose",
        "choose_digit": "Press the number of the class, or use the arrow keys and Enter",
        "none_fits": "No class fits: use the backspace key",
        "break": "Break\n\nBlock {block} of {blocks} follows.\nRest your eyes as long as you like.",
        "drift": "Please look at the cross.\n\nSpace: go on        C: calibrate again",
        "lost": (
            "The eye tracker sends nothing.\n\nCheck its cable and the position of the head.\n\n"
            "R: connect again        Escape: end the session"
        ),
        "seen": "Did you see this picture in the last block?\n\nY: yes        N: no",
        "thanks": "The session is finished.\n\nThank you!",
    },
    "de": {
        "continue": "Leertaste: weiter",
        "finish": "Leertaste: beenden",
        "welcome_classification": (
            "Sie sehen gleich Bilder, die schärfer werden.\n\n"
            "Drücken Sie die Leertaste, sobald Sie die Klasse erkennen.\n"
            "Wählen Sie dann ihren Namen.\n\n"
            "Schauen Sie vor jedem Bild auf das Kreuz."
        ),
        "welcome_free_viewing": (
            "Sie sehen gleich Bilder.\n\nBetrachten Sie sie, wie Sie möchten.\n\n"
            "Schauen Sie vor jedem Bild auf das Kreuz."
        ),
        "welcome_memory": (
            "Sie sehen gleich Bilder.\n\nMerken Sie sie sich: Wir fragen später danach.\n\n"
            "Schauen Sie vor jedem Bild auf das Kreuz."
        ),
        "calibration": (
            "Kalibrierung\n\nFolgen Sie dem Punkt mit den Augen.\nHalten Sie den Kopf still.\n\n"
            "Die Leertaste beginnt sie, und beendet sie nach dem letzten Punkt."
        ),
        "pointer": (
            "Um den Mauszeiger ist das Bild scharf.\n\n"
            "Führen Sie ihn zu dem, was Sie sehen möchten."
        ),
        "training": "Training, Runde {round} von höchstens {rounds}\n\nLernen Sie die Namen.",
        "quiz": "Wählen Sie nun den Namen zu jedem Bild.",
        "right": "Richtig: {name}",
        "wrong": "Das ist: {name}",
        "passed": "Das Training ist beendet: {right} von {all} richtig.\n\nDer Versuch beginnt.",
        "not_passed": "{right} von {all} richtig.\n\nDer Versuch beginnt trotzdem.",
        "again": "{right} von {all} richtig.\n\nEs folgt noch eine Runde.",
        "which": "Welche Klasse war es?",
        "choose": "Namen tippen (ein Teil genügt), oder Pfeiltasten. Enter: wählen",
        "choose_digit": "Nummer der Klasse drücken, oder Pfeiltasten und Enter",
        "none_fits": "Keine Klasse passt: Rücktaste drücken",
        "break": (
            "Pause\n\nEs folgt Block {block} von {blocks}.\n"
            "Ruhen Sie Ihre Augen aus, solange Sie möchten."
        ),
        "drift": "Bitte schauen Sie auf das Kreuz.\n\nLeertaste: weiter        C: neu kalibrieren",
        "lost": (
            "Der Eyetracker sendet nichts.\n\nPrüfen Sie Kabel und Kopfhaltung.\n\n"
            "R: neu verbinden        Escape: Sitzung beenden"
        ),
        "seen": "Haben Sie dieses Bild im letzten Block gesehen?\n\nY: ja        N: nein",
        "thanks": "Die Sitzung ist beendet.\n\nVielen Dank!",
    },
}

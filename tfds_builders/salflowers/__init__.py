"""SalFlowers: gaze of people who tell kinds of flowers apart."""

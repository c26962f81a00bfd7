"""What users run: flags become settings, settings one call. `salclass --help` lists them.

A module here defines its flags when it is imported. Several define the same names, so a process
imports the module of one command only.
"""

from salclass_tf import start_up

start_up.quiet()  # before a command imports TensorFlow

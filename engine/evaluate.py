"""`python -m engine.evaluate FOLDER`: the same as `cartoonify evaluate FOLDER`."""

import sys

from engine.cli.app import cli

if __name__ == "__main__":
    cli(["evaluate", *sys.argv[1:]])

"""`python -m engine.evaluate FOLDER`: the accuracy test, which is in `engine.cli`."""

from engine.cli.evaluate import cli

if __name__ == "__main__":
    cli()

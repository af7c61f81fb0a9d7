"""`python -m engine.run photo.jpg`: the command line, which is `engine.cli`."""

from engine.cli.run import cli

if __name__ == "__main__":
    cli()

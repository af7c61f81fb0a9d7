"""`python -m engine.run photo.jpg`: the program `cartoonify`, which is in `engine.cli`."""

from engine.cli.app import cli

if __name__ == "__main__":
    cli()

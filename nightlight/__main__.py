"""The command `nightlight`, and `python -m nightlight`: hands over to the command line in `nightlight.cli`."""


def main() -> None:
    """Run the command line."""
    from nightlight.cli import app

    app(prog_name="nightlight")


if __name__ == "__main__":
    main()

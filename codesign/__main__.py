"""The command line as `python -m codesign`, as launchers of several processes start it."""

from codesign.cli import main

if __name__ == "__main__":
    main()

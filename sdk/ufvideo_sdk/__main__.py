"""The command line as `python -m ufvideo_sdk`."""

from ufvideo_sdk.cli import main

if __name__ == "__main__":
    main()

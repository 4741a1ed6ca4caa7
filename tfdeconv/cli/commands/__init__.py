"""The subcommands of ``tfdeconv``, one file each."""

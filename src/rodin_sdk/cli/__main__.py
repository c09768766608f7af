"""`python -m rodin_sdk.cli`: the same as `rodin`."""

import sys

from rodin_sdk.cli import main

sys.exit(main())

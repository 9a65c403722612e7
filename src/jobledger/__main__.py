"""``python -m jobledger`` is ``jobledger``."""

from __future__ import annotations

import sys

from jobledger.cli import main

sys.exit(main())

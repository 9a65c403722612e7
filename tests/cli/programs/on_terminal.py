"""Makes a terminal the controlling one of this new session, and becomes another program."""

import fcntl
import os
import sys
import termios

terminal = os.open(sys.argv[1], os.O_RDWR)
fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - the test's own command

#!/bin/sh
# Replays the transcripts of conformance/ through the driver of each language: conformance.sh
# DIRECTORY, where the drivers that have to be built are.
set -eu
cd "$(dirname "$0")/.."
. tests/left_out.sh
built=$1
python=${PYTHON:-python3}

"$python" -B conformance/tests/test_match.py
CONFORMANCE_DRIVER=$built/c_driver CONFORMANCE_LEAKING_DRIVER=$built/leaking_driver "$python" -B conformance/tests/test_mutants.py
"$python" -B conformance/run.py --leaves-out "" --driver "$built/c_driver"
"$python" -B conformance/run.py --quiet --leaves-out "handles text" --driver "$python -B conformance/drivers/python_driver.py"
"$python" -B conformance/run.py --quiet --leaves-out "callback event_fd overflow text" --driver "$python -B conformance/drivers/stdio_driver.py build/status1to1-rpc"

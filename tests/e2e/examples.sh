#!/bin/bash
# examples.sh - every example runs, and comes out as it says; `make demo` with it.
cd "$(dirname "$0")/../.." || exit 1
exec tests/run.sh examples/*/run.sh

"""Loaded by Python at start-up when its directory is on the path; hooks the process.

One call, no logic. Outside a hook directory made by recordbake there is nothing to call.
"""

try:
    from _recordbake_guest import boot
except ImportError:
    pass
else:
    boot.start()

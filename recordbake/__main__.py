"""``python -m recordbake``."""

try:
    from recordbake.entry import main
except KeyboardInterrupt:
    raise SystemExit(130) from None

raise SystemExit(main())

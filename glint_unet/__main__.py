"""`python -m glint_unet` is equivalent to `glint-unet`."""

from glint_unet.cli.main import main

raise SystemExit(main())

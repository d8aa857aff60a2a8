"""The page of a lab in the browser: `glint-unet ui`."""

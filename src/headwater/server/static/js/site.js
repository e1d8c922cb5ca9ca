// What every page has: the theme, and the search box.

import { startPalette } from "./palette.js";
import { startTheme } from "./theme.js";

startTheme(document);
startPalette(document);

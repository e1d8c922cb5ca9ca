// What every page has: the theme, the search box, the stream of changes.

import { startLive } from "./live.js";
import { startPalette } from "./palette.js";
import { startTheme } from "./theme.js";

startTheme(document);
startPalette(document);
startLive(document);

// What every page has: the theme, the search box, buttons that copy, the stream of changes.

import { showControls } from "./fragment.js";
import { startCopying } from "./notes.js";
import { startLive } from "./live.js";
import { startPalette } from "./palette.js";
import { startTheme } from "./theme.js";

showControls(document);
startTheme(document);
startCopying(document);
startPalette(document);
startLive(document);

// What every page has: the theme, and the key that leads to the search box.

import { startTheme } from "./theme.js";
import { startSearchKey } from "./searchkey.js";

startTheme(document);
startSearchKey(document);

// The lineage page comes alive: the picture that the server sent becomes the canvas.

import { Island } from "./island.js";

const place = document.querySelector("[data-lineage]");
if (place instanceof HTMLElement) new Island(place).start();

// Live video of one camera, in place of its pictures.

import { watch } from "./watch.js";

const figure = document.querySelector("figure.screen.full");

watch({
  figure,
  place: document.getElementById("views"),
  moment: document.getElementById("moment"),
  url: `/hls/${encodeURIComponent(figure.dataset.camera)}/master.m3u8`,
  name: figure.dataset.name,
});

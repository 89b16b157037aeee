// Plays live video of the synthetic camera on the node's page, and notes what is really shown: the number burnt into
// each picture, read back from the screen. Evaluated by tests/faults/test_live_player.py; `numberOf` mirrors
// `pi_cam_node.camera.sources.synthetic.scene.number_of`.
(() => {
  const BITS = 24;
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, autoplay: true });
  document.body.append(video);
  const canvas = document.createElement("canvas");
  const seen = { shown: [], told: [], beganMs: 0 };
  let last = null;

  function numberOf() {
    const [width, height] = [video.videoWidth, video.videoHeight];
    Object.assign(canvas, { width, height: 4 });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(video, 0, 0, width, height, 0, 0, width, height);
    const block = Math.floor(width / BITS);
    const left = Math.floor((width - block * BITS) / 2);
    const row = context.getImageData(0, 2, width, 1).data;
    let number = 0;
    for (let bit = 0; bit < BITS; bit += 1) number = number * 2 + (row[4 * (left + bit * block + (block >> 1))] > 127);
    return number;
  }

  function shown(_now, { mediaTime }) {
    last = { mediaTime, number: numberOf() };
    seen.shown.push([Date.now(), last.number]);
    video.requestVideoFrameCallback(shown);
  }

  async function begin(isNative) {
    seen.beganMs = Date.now();
    video.requestVideoFrameCallback(shown);
    if (isNative) {
      video.src = "/hls/master.m3u8";
      return video.play();
    }
    const { LiveVideo } = await import("/static/live_video.js");
    seen.player = new LiveVideo(video, "/hls/master.m3u8", ({ at }) => {
      if (at && last) seen.told.push([at - (video.currentTime - last.mediaTime) * 1000, last.number]);
    });
    return seen.player.start();
  }

  function end() {
    if (seen.player) return seen.player.stop();
    video.removeAttribute("src");
    return video.load();
  }

  globalThis.live = {
    begin: (isNative) => void begin(isNative),
    end,
    seen: () => ({ shown: seen.shown, told: seen.told, beganMs: seen.beganMs }),
    forget: () => void ([seen.shown, seen.told] = [[], []]),
  };
})();

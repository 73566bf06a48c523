// Reads a code: with the camera where the browser can, from a photo by the server elsewhere. And makes photos small.
"use strict";

const gateCamera = (() => {
  const LONGEST_SIDE = 1600;
  const EVERY_MS = 150;
  let stream;

  function canRead() {
    return "BarcodeDetector" in window && Boolean(navigator.mediaDevices?.getUserMedia);
  }

  function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = undefined;
  }

  // Watch through the camera until a code is seen, and return its text; nothing where somebody stopped it.
  async function watch(video) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    video.srcObject = stream;
    await video.play();
    while (stream) {
      const [code] = await detector.detect(video);
      if (code) {
        stop();
        navigator.vibrate?.(80);
        return code.rawValue;
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
    return "";
  }

  // A phone's photo has megabytes that a weak line carries for minutes; what is written on a plate stays readable.
  async function shrink(file) {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? file), "image/jpeg", 0.82));
  }

  // Read the codes in a photo: here if the browser can, otherwise by the server.
  async function readPhoto(file, url) {
    if ("BarcodeDetector" in window) {
      const codes = await new BarcodeDetector({ formats: ["qr_code"] }).detect(await createImageBitmap(file));
      if (codes.length) return codes[0].rawValue;
    }
    const form = new FormData();
    form.set("photo", file);
    const response = await gateSync.post(url, form);
    if (!response.ok) return "";
    const answer = await response.json();
    return answer.token;
  }

  return { canRead, watch, stop, shrink, readPhoto };
})();

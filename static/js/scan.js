// Reads a QR code with the camera where the browser can, from a photo by the server elsewhere, and opens what it names.
"use strict";

(() => {
  const EVERY_MS = 150;
  const box = document.querySelector("[data-scan]");
  if (!box) return;
  const form = box.querySelector("[data-scan-form]");
  const start = box.querySelector("[data-scan-start]");
  const camera = box.querySelector(".scan-camera");
  const video = box.querySelector("video");
  const status = box.querySelector("[data-scan-status]");
  const csrf = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";

  function open(code) {
    form.elements.code.value = code;
    form.submit();
  }

  async function watch() {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    camera.hidden = false;
    start.hidden = true;
    video.srcObject = stream;
    await video.play();
    for (;;) {
      const [code] = await detector.detect(video);
      if (code) {
        for (const track of stream.getTracks()) track.stop();
        navigator.vibrate?.(80);
        return open(code.rawValue);
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  if ("BarcodeDetector" in window && navigator.mediaDevices?.getUserMedia) {
    start.hidden = false;
    start.addEventListener("click", () =>
      watch().catch(() => {
        status.textContent = box.dataset.noCamera;
      }),
    );
  }

  box.querySelector("[data-scan-photo]").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    const said = new FormData();
    said.set("photo", file);
    const response = await fetch(box.dataset.photoUrl, {
      method: "POST",
      body: said,
      headers: { "X-CSRFToken": csrf(), Accept: "application/json" },
      credentials: "same-origin",
    });
    if (!response.ok) {
      status.textContent = box.dataset.none;
      return;
    }
    open((await response.json()).token);
  });
})();

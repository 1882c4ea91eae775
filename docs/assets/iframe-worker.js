/* A page that was opened from the disk may start no worker; its search runs in a hidden frame of the page. */
"use strict";
if (location.protocol === "file:") {
  class IFrameWorker extends EventTarget {
    #frame = document.createElement("iframe");
    #inside;

    constructor(url) {
      super();
      this.#frame.hidden = true;
      this.#frame.srcdoc = "<!doctype html>";
      this.#inside = new Promise((resolve) => {
        this.#frame.onload = () => resolve(this.#loaded(url));
      });
      document.body.append(this.#frame);
    }

    #loaded(url) {
      const inside = this.#frame.contentWindow;
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const script = inside.document.createElement("script");
      script.src = url;
      return new Promise((resolve) => {
        script.onload = () => resolve(inside);
        inside.document.body.append(script);
      });
    }

    async postMessage(data) {
      const inside = await this.#inside;
      inside.dispatchEvent(new MessageEvent("message", { data }));
    }

    terminate() {
      this.#frame.remove();
    }
  }
  window.IFrameWorker = window.Worker = IFrameWorker;
}

// A page that is opened from disk may start no worker, which the search wants to be: its script
// runs in a hidden frame instead, with the same messages.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.waiting = [];
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      const prepare =
        "window.importScripts=(...urls)=>urls.reduce((done,url)=>done.then(()=>new Promise((resolve,reject)=>{" +
        "const s=document.createElement('script');s.src=new URL(url,window.workerUrl);s.onload=resolve;s.onerror=reject;" +
        "document.head.append(s)})),Promise.resolve());" +
        "window.postMessage=(data)=>parent.dispatchEvent(new MessageEvent('iframe-worker',{data}));" +
        `window.workerUrl=${JSON.stringify(String(new URL(url, location.href)))};`;
      this.frame.srcdoc = `<script>${prepare}<\/script><script src=${JSON.stringify(String(url))}><\/script>`;
      window.addEventListener("iframe-worker", (event) => {
        const message = new MessageEvent("message", { data: event.data });
        this.dispatchEvent(message);
        if (this.onmessage) this.onmessage(message);
      });
      this.frame.addEventListener("load", () => {
        const waiting = this.waiting;
        this.waiting = null;
        waiting.forEach((data) => this.send(data));
      });
      document.body.append(this.frame);
    }
    postMessage(data) {
      if (this.waiting) this.waiting.push(data);
      else this.send(data);
    }
    send(data) {
      this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }));
    }
    terminate() {
      this.frame.remove();
    }
  };
}

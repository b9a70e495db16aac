// The page's line to the background, which may sleep and break it at any time.

import { VIEW_PORT, type Command, type ToView } from "../view";

/** Connects, and again whenever it breaks; each connection brings the view at once. */
export function connect(heard: (m: ToView) => void): (c: Command) => void {
  let port: chrome.runtime.Port | null = null;
  const open = (): chrome.runtime.Port => {
    const opened = chrome.runtime.connect({ name: VIEW_PORT });
    opened.onMessage.addListener(heard);
    opened.onDisconnect.addListener(() => {
      port = null;
      setTimeout(() => (port ??= open()), 100);
    });
    return opened;
  };
  port = open();
  return (c) => (port ??= open()).postMessage(c);
}

// A new user, from a server on an empty folder to the first answer and the first webhook, only by what the pages say.
const within = 180_000; // ms
const password = "correct horse battery";
const pairingLine = "Pairing line, from the admin panel's Workers page: URL and key";
const chatPage = /^http:\/\/localhost:\d+\/(\?|$)/;
const panel = /^http:\/\/localhost:\d+\/admin\//;

let key = ""; // what the user keeps

const steps = [
  ["a password, from the printed link", async (p, { bridge }) => {
    const link = await p.browser.wait("the printed link", () => bridge.printed.match(/http\S+token=\S+/)?.[0]);
    await p.open(link);
    await p.write("Password", password);
    await p.write("Password again", password);
    await p.press("Save");
    await p.sees("0 of 5 done");
  }],
  ["an account", async (p) => {
    await p.press("New account");
    await p.write("Email", "me@example.com");
    key = await p.reads("API Key");
    await p.press("Save");
    await p.sees("Copy this now: it is shown once");
    await p.press("I have it");
    await p.press("Overview", "link");
    await p.sees("1 of 5 done");
  }],
  ["the extension, from the panel", async (p, { browser, bridge }) => {
    await p.press("Pair a browser");
    await p.press("Make the line");
    const zip = await p.download("Download for Chrome, Edge, Brave");
    const id = await browser.load(await p.unpack(zip));
    await browser.allow(id, `${bridge.url.replace(/:\d+$/, "")}/*`);
    await p.at(/^chrome-extension:.*\/options\.html$/); // opened by itself
    await p.sees("Not set up yet");
    await p.at(panel);
    await p.press("Copy Pairing line");
    await p.sees("Copied");
  }],
  ["the line, in the extension's options", async (p) => {
    await p.at(/\/options\.html$/);
    await p.paste(pairingLine);
    await p.press("Test and save");
    await p.sees(/Connected as me@example\.com\. Saved\. Log in at chatgpt\.com/);
  }],
  ["logged in at the chat site", async (p) => {
    await p.open("https://chatgpt.com/");
    await p.sees("Ada"); // the user's own name
  }],
  ["the panel says connected", async (p) => {
    await p.at(panel);
    await p.sees("Browser extension is connected.");
    await p.press("Overview", "link");
    await p.sees("3 of 5 done");
  }],
  ["the first answer", async (p, { site }) => {
    await p.press("Open the chat page", "link");
    await p.at(chatPage);
    await p.write("API Key", key);
    await p.press("Log in");
    await p.write("Message", "What is a lease?");
    await p.press("Send");
    await p.sees("You said 16 characters."); // its beginning, live
    await p.sees("Answer complete");
    const end = site.chats.prompts[0].truth.slice(-40);
    await p.sees(end);
  }],
  ["a Webhook URL", async (p) => {
    await p.at(panel);
    await p.sees("4 of 5 done");
    await p.press("Webhook URL of the account", "link");
    await p.sees("For the chat page of this server:");
    const [own] = (await p.text()).match(/http\S+\/api\/webhooks\/chatgpt\//);
    await p.write("Webhook URL", own);
    await p.press("Save");
    await p.press("I have it"); // its secret
    await p.press("Overview", "link");
    await p.sees("Send another message from the chat page.");
  }],
  ["the webhook arrives", async (p) => {
    await p.at(chatPage);
    await p.write("Message", "And what is a webhook?");
    await p.press("Send");
    await p.sees("You said 22 characters.");
    await p.at(panel);
    await p.sees("All first steps are done");
    if ((await p.text()).includes("First steps")) throw new Error("the list of steps is still there");
  }],
];

export default [{ name: "first run: from an empty folder to the first answer and webhook", site: { reply: { every: 20 } }, blank: true, spoils: true, before: [["walk", steps]], ask: [], check: inTime }];

function inTime(run, fault) {
  const total = run.walked.reduce((sum, [, ms]) => sum + ms, 0);
  run.outcome = [...run.walked, ["in all", total]].map(([name, ms]) => `${(ms / 1000).toFixed(1)} s ${name}`);
  if (total > within) fault(`it took ${total} ms`);
}

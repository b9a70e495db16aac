// What the page says, by language.
const words = {
  en: {
    ask: "Ask anything", send: "Send prompt", stop: "Stop streaming", plus: "Add files and more", dictate: "Dictate button", voice: "Start voice mode", youSaid: "You said:", said: "ChatGPT said:", copy: "Copy", good: "Good response",
    bad: "Bad response", read: "Read aloud", newChat: "New chat", login: "Log in", signup: "Sign up for free", profile: "Ada, open profile menu", thinking: "Thinking", thought: "Thought for 4s", now: "Answer now", retry: "Retry", more: "Continue generating",
    broken: "A network error occurred. Please check your connection and try again. If this issue persists please contact us through our help center at help.openai.com.", gotIt: "Got it", stopped: "You stopped this response",
    instant: "Instant", standard: "Medium", extended: "High", pro: "Pro", auto: "Auto", effort: "Thinking effort", model: "Model", temporary: "Temporary chat", history: "Chat history", copyCode: "Copy code", actions: "Response actions",
    barred: "Not on your plan. Limit resets tomorrow.", light: "Standard",
  },
  de: {
    ask: "Stell irgendeine Frage", send: "Prompt senden", stop: "Streaming anhalten", plus: "Dateien und mehr hinzufügen", dictate: "Diktieren", voice: "Sprachmodus starten", youSaid: "Du hast gesagt:", said: "ChatGPT hat gesagt:", copy: "Kopieren", good: "Gute Antwort",
    bad: "Schlechte Antwort", read: "Vorlesen", newChat: "Neuer Chat", login: "Anmelden", signup: "Kostenlos registrieren", profile: "Ada, Profilmenü öffnen", thinking: "Denkt nach", thought: "4 Sekunden nachgedacht", now: "Jetzt antworten", retry: "Erneut versuchen", more: "Weiter generieren",
    broken: "Ein Netzwerkfehler ist aufgetreten. Bitte überprüfe deine Verbindung. help.openai.com", gotIt: "Verstanden", stopped: "Du hast diese Antwort angehalten",
    instant: "Sofort", standard: "Mittel", extended: "Hoch", pro: "Pro", auto: "Automatisch", effort: "Denkaufwand", model: "Modell", temporary: "Temporärer Chat", history: "Chatverlauf", copyCode: "Code kopieren", actions: "Aktionen", barred: "Nicht in deinem Plan.", light: "Standard",
  },
  zh: {
    ask: "询问任何问题", send: "发送提示", stop: "停止流式传输", plus: "添加文件等", dictate: "听写按钮", voice: "启动语音模式", youSaid: "您说：", said: "ChatGPT 说：", copy: "复制", good: "最佳回复", bad: "错误的回复", read: "朗读", newChat: "新聊天",
    login: "登录", signup: "免费注册", profile: "Ada，打开个人资料菜单", thinking: "正在思考", thought: "已思考 4 秒", now: "立即回答", retry: "重试", more: "继续生成", broken: "网络错误。help.openai.com", gotIt: "知道了", stopped: "你已停止此回复",
    instant: "即时", standard: "中", extended: "高", pro: "Pro", auto: "自动", effort: "思考强度", model: "模型", temporary: "临时聊天", history: "聊天历史", copyCode: "复制代码", actions: "操作", barred: "你的套餐不含此项。", light: "标准",
  },
};
export const wordsOf = (lang) => words[lang] ?? words.en;

// A page without a framework: one attribute set, one event heard.

const chat = document.querySelector('llm-chat');
const count = document.querySelector('#count');
let messages = 0;

chat.addEventListener('llm-message', () => {
  messages += 1;
  count.textContent = `${messages} messages`;
});

document.querySelector('#brief').addEventListener('change', ({ target }) => {
  chat.systemPrompt = target.checked ? 'Answer briefly.' : '';
});

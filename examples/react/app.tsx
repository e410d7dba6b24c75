// React 19 sets properties of custom elements and listens to their events as they are: no wrapper is needed.

import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import type {} from 'llm-elements/react';

function App() {
  const [brief, setBrief] = useState(false);
  const [count, setCount] = useState(0);
  return (
    <main>
      <h1>React</h1>
      <label>
        <input type="checkbox" id="brief" checked={brief} onChange={(event) => setBrief(event.target.checked)} /> Short
        answers
      </label>
      <p id="count" role="status">
        {count} messages
      </p>
      <llm-chat
        temperature={0}
        system-prompt={brief ? 'Answer briefly.' : ''}
        onllm-message={() => setCount((before) => before + 1)}
      />
    </main>
  );
}

const root = document.getElementById('app');
if (root) createRoot(root).render(<App />);

import { useRef, useState, type FormEvent, type KeyboardEvent } from 'react';

interface ComposerProps {
  readonly name: string;
  readonly onName: (name: string) => void;
  readonly onSay: (text: string) => void;
}

export function Composer({ name, onName, onSay }: ComposerProps) {
  const [text, setText] = useState('');
  const field = useRef<HTMLTextAreaElement>(null);

  const submit = (event: FormEvent | KeyboardEvent) => {
    event.preventDefault();
    field.current?.focus();
    if (text.trim() === '') return;
    onSay(text.trim());
    setText('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While a letter is being composed of several keys, Enter chooses one.
    if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) submit(event);
  };

  return (
    <form className="composer" onSubmit={submit}>
      <div className="field">
        <label className="hidden" htmlFor="say">
          Message
        </label>
        <textarea
          id="say"
          ref={field}
          rows={1}
          maxLength={4000}
          value={text}
          placeholder="Say something, or ask “What is this?”"
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <button type="submit" className="send">
          Send
        </button>
      </div>
      <div className="under">
        <label>
          You are{' '}
          <input value={name} maxLength={40} autoComplete="nickname" onChange={(event) => onName(event.target.value)} />
        </label>
        <p aria-hidden="true">
          <kbd>Enter</kbd> sends, <kbd>Shift Enter</kbd> breaks the line
        </p>
      </div>
    </form>
  );
}

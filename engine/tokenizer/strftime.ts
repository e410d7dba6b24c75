// Python's `strftime` as far as chat templates use it, always in English and in local time, whatever the browser's
// language: a prompt must not change with the visitor's locale. Called by `chat-template.ts`.
// Source: the format codes of Python's datetime documentation. Codes it does not know stay as they are.

const months = 'January February March April May June July August September October November December'.split(' ');
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const two = (value: number): string => String(value).padStart(2, '0');

export function strftime(date: Date, format: string): string {
  const month = months[date.getMonth()] ?? '';
  const day = days[date.getDay()] ?? '';
  const hour12 = date.getHours() % 12 === 0 ? 12 : date.getHours() % 12;
  const codes: Readonly<Record<string, string>> = {
    Y: String(date.getFullYear()),
    y: two(date.getFullYear() % 100),
    m: two(date.getMonth() + 1),
    B: month,
    b: month.slice(0, 3),
    d: two(date.getDate()),
    A: day,
    a: day.slice(0, 3),
    H: two(date.getHours()),
    I: two(hour12),
    p: date.getHours() < 12 ? 'AM' : 'PM',
    M: two(date.getMinutes()),
    S: two(date.getSeconds()),
    '%': '%',
  };
  return format.replace(/%([YymBbdAaHIpMS%])/g, (_, code: string) => codes[code] ?? '');
}

// Which addresses of an answer a site allows to be followed or fetched, from attributes of `<llm-chat>` like
// `allowed-images="https://cdn.example https://*.example.org"`: "*" for all, empty for none. Pure.

export type OriginRule = (address: string) => boolean;

/**
 * @param list origins separated by spaces; "*." before a host stands for its subdomains, "*" alone for everything
 */
export function originRule(list: string): OriginRule {
  const entries = list.split(/[\s|]+/).filter((entry) => entry !== '');
  if (entries.includes('*')) return () => true;
  return (address) => {
    let url: URL;
    try {
      url = new URL(address);
    } catch {
      return false; // nothing that could be followed
    }
    return entries.some((entry) => matches(entry, url));
  };
}

/** The rule of an attribute, the same object while its text is the same. */
export function keptRule(): (list: string) => OriginRule {
  let [kept, rule]: [string | null, OriginRule] = [null, () => false];
  return (list) => {
    if (list !== kept) [kept, rule] = [list, originRule(list)];
    return rule;
  };
}

function matches(entry: string, url: URL): boolean {
  const found = /^(https?:)\/\/(\*\.)?([^/*\s]+)\/?$/i.exec(entry);
  if (found === null) return false;
  const [, scheme = '', subdomains, host = ''] = found;
  if (url.protocol !== scheme.toLowerCase()) return false;
  const wanted = host.toLowerCase();
  return subdomains === undefined ? url.host === wanted : url.host.endsWith(`.${wanted}`);
}

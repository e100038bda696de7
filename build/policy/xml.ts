// XML as values and as indented text. Not for reading XML.

export type XmlElement = { readonly name: string; readonly attributes: Readonly<Record<string, string>>; readonly children: readonly (XmlElement | string)[] };

/** An element. A text child is escaped when it is written. */
export function xml(name: string, attributes: Readonly<Record<string, string>> = {}, ...children: readonly (XmlElement | string)[]): XmlElement {
  return { name, attributes, children };
}

/** The document with its declaration. `doctype` and `comment` stand as they are. */
export function xmlDocument(root: XmlElement, { doctype = '', comment = '' }: { readonly doctype?: string; readonly comment?: string } = {}): string {
  const note = comment === '' ? '' : `<!-- ${comment} -->\n`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n${doctype}${note}${lines(root, '')}`;
}

function lines({ name, attributes, children }: XmlElement, indent: string): string {
  const open = `${indent}<${name}${Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(value)}"`).join('')}`;
  if (children.length === 0) return `${open}/>\n`;
  // Text stands between its tags alone: white space around it would be part of it.
  if (children.every((child) => typeof child === 'string')) return `${open}>${children.map(escape).join('')}</${name}>\n`;
  const inner = children.map((child) => (typeof child === 'string' ? escape(child) : lines(child, `${indent}  `))).join('');
  return `${open}>\n${inner}${indent}</${name}>\n`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

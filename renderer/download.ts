// Hands a file to the browser, which saves it where the person's downloads go. Not for what is in it.

/** Saves `blob` under `name`. */
export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken the blob when the click returns, but not every version is done with the URL in the same task.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

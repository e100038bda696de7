// What the holder of the root key wants of the operating system: sealing a secret at rest, and words that say how well.
// Not for any one system: native/secret-store.

/** How a secret lies on the disk. `plain`: nothing but the file's mode protects it. */
export type SealForm = 'plain' | 'systemd' | 'secret-service' | 'keychain' | 'dpapi';

/** How the file of a sealed key begins, before its form and a line feed; a plain one begins as PEM does. */
export const sealedMark = 'pinlight-sealed ';

/** `why`: in words; the secret is there, and cannot be had now. */
export type SealResult = { readonly kind: 'done'; readonly bytes: Uint8Array } | { readonly kind: 'unavailable'; readonly why: string };

export type SecretStore = {
  readonly form: SealForm;
  /** What protects a secret sealed here, in words for people; never more than what holds. */
  readonly words: string;
  /** May make what sealing needs, such as an entry of a keychain. */
  seal(secret: Uint8Array): SealResult;
  /** Never makes anything: what cannot be opened now may be another time. */
  open(sealed: Uint8Array): SealResult;
  /** Whether `open` is worth another try: asks anew without blocking and without a dialogue, never rejects. Missing: only a new start asks anew. */
  ready?(): Promise<boolean>;
  /** Takes away what `seal` made outside of our own folder; in words what is left, null = nothing. `sealed`: a key lies sealed here. */
  forget(sealed: boolean): string | null;
};

/** Where the system offers nothing better than the modes of file and folder. */
export const fileModeOnly: SecretStore = {
  form: 'plain',
  words: 'protected by file mode only (0600 in a folder of the same account)',
  seal: (bytes) => ({ kind: 'done', bytes }),
  open: (bytes) => ({ kind: 'done', bytes }),
  forget: () => null,
};

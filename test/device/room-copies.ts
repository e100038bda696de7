// What stands below some folders of a store room: told apart to the byte, kept, and put back, so that each run begins on the same device. Not a test.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Ran, StoreRoom } from '../native/support/store-room.ts';

/** Path to type, mode, owner, link and content, as one text. */
export type Image = ReadonlyMap<string, string>;

export type RoomCopies = {
  image(): Promise<Image>;
  /** Keeps what stands there now under this name. */
  keep(name: string): Promise<void>;
  /** The image of what was kept. */
  kept(name: string): Image;
  /** Makes everything be as it was kept. */
  putBack(name: string): Promise<void>;
};

/** `places`: absolute paths in the room; what is not there counts as empty. `moving`: paths that change by themselves, left out of images. */
export function roomCopies(room: Pick<StoreRoom, 'folder' | 'run'>, places: readonly string[], moving: RegExp): RoomCopies {
  const all = new Map<string, Image>();
  const still = (image: Image): Image => new Map([...image].filter(([file]) => !moving.test(file)));
  const archive = (name: string): string => path.join(room.folder, `kept-${name.replaceAll(/\W/g, '_')}.tar`);
  const there = `set --; for p in ${places.join(' ')}; do [ ! -e "$p" ] || set -- "$@" "$p"; done`;
  const script = async (text: string): Promise<string> => must(await room.run(['sh', '-ec', text]));

  async function whole(): Promise<Image> {
    const lines = (await script(`${there}; find "$@" -printf '%p\\t%y %m %U:%G %l\\n'; find "$@" -type f -exec sha256sum {} +`)).split('\n');
    const image = new Map<string, string>();
    for (const line of lines) {
      const [, file, about] = /^(\/[^\t]+)\t(.*)$/.exec(line) ?? [];
      const [, hash, content] = /^([0-9a-f]{64}) {2}(\/.*)$/.exec(line) ?? [];
      if (file !== undefined) image.set(file, about ?? '');
      if (content !== undefined) image.set(content, `${image.get(content) ?? ''} ${hash ?? ''}`);
    }
    return image;
  }

  function wholeOf(name: string): Image {
    const image = all.get(name);
    if (image === undefined) throw new Error(`nothing was kept as ${name}`);
    return image;
  }

  return {
    image: async () => still(await whole()),
    kept: (name) => still(wholeOf(name)),
    async keep(name) {
      await script(`${there}; tar -cpPf ${archive(name)} "$@"`);
      all.set(name, await whole());
    },
    async putBack(name) {
      const [to, is] = [wholeOf(name), await whole()];
      const [gone, other] = [path.join(room.folder, 'gone'), path.join(room.folder, 'other')];
      writeFileSync(gone, [...is.keys()].filter((file) => !to.has(file)).map((file) => `${file}\0`).join(''));
      writeFileSync(other, [...to].filter(([file, about]) => is.get(file) !== about).map(([file]) => `${file}\n`).join(''));
      await script(`xargs -0r rm -rf < ${gone}; tar -xpPf ${archive(name)} --no-recursion -T ${other}`);
    },
  };
}

/** What is otherwise in `is` than in `was`, in words; at most a few. */
export function differences(was: Image, is: Image): readonly string[] {
  const all = [
    ...[...was].filter(([file, about]) => is.get(file) !== about).map(([file]) => `${file} is ${is.has(file) ? 'another' : 'gone'}`),
    ...[...is.keys()].filter((file) => !was.has(file)).map((file) => `${file} is left`),
  ];
  return all.length <= 6 ? all : [...all.slice(0, 6), `and ${all.length - 6} more`];
}

function must(ran: Ran): string {
  if (ran.code !== 0) throw new Error(`a script in the room ended with ${String(ran.code)}: ${ran.stderr}`);
  return ran.stdout;
}

/** A Storage that never throws: a browser may forbid it, or it may be full; the page then works without memory. */
export interface Memory {
  get(name: string): string | null;
  set(name: string, value: string): void;
  remove(name: string): void;
  /** The names that are in it. */
  names(): string[];
}

function memory(open: () => Storage): Memory {
  const attempt = <T>(work: (storage: Storage) => T, otherwise: T): T => {
    try {
      return work(open());
    } catch {
      return otherwise;
    }
  };
  return {
    get: (name) => attempt((storage) => storage.getItem(name), null),
    set: (name, value) => attempt((storage) => storage.setItem(name, value), undefined),
    remove: (name) => attempt((storage) => storage.removeItem(name), undefined),
    names: () => attempt((storage) => Object.keys(storage), []),
  };
}

/** Kept until removed. */
export const local = memory(() => localStorage);

/** Kept as long as this tab. */
export const session = memory(() => sessionStorage);

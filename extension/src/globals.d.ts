// Set by build.mjs; see there.

/** The extension's version, as in its manifest. */
declare const VERSION: string;

/** The public half of the key that signs selector packs, in hex; "" where the build names none, and then no pack is taken unasked. */
declare const PACK_PUBLIC_KEY: string;

declare module "*.css";

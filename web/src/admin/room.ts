import { media } from "../shared/media";

/** Narrow: rows have two lines, filters are in a sheet, the navigation behind a button. */
export const slim = media("(width < 700px)");

/** Little room for a list even without a drawer. */
export const middling = media("(700px <= width < 1100px)");

/** Room for a drawer beside a list. */
export const roomy = media("(width >= 1200px)");

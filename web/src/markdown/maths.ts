/** Draws formulas; loaded with the first one. */
export {};

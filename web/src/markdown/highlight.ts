/** Colours code; loaded when the first fence ends. */
export {};

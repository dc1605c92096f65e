/** How much of everything is measured. `quick`: that it works, for CI; no figure of it means anything. */
export type Mode = 'quick' | 'normal' | 'full';

/** A number for each mode. */
export type Sizes = Readonly<Record<Mode, number>>;

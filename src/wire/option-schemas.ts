import { Type } from 'typebox';

type Bounds = { readonly minimum?: number; readonly maximum?: number };

/** A whole number of something that the option's name or description says. */
export const whole = (description: string, standard: number, { minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: Bounds = {}) =>
  Type.Integer({ description, default: standard, minimum, maximum });

/** Milliseconds, at most what a timer can wait. */
export const milliseconds = (description: string, standard: number, minimum = 0) =>
  whole(description, standard, { minimum, maximum: 2 ** 31 - 1 });

/** One of a few words. */
export const choice = <Values extends string[]>(description: string, standard: Values[number], values: [...Values]) =>
  Type.Enum(values, { description, default: standard });

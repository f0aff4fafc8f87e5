/** A churning process opens that many at once, and forgets all but the first of the batch before. */
export const CHURN_BATCH = 50;

// Who may use one window server: the one-time link token, the session that the page gets for it, and the cookie for its assets.
// Not for HTTP (serve-window): texts in, yes or no out.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export type WindowSession = {
  /** In the link; good once and for two minutes. */
  readonly token: string;
  /** What the page sends as Bearer with every call; never in a URL or a cookie. */
  readonly bearer: string;
  /** Lets a reload have its assets; opens nothing else, since every server on 127.0.0.1 is sent this host's cookies. */
  readonly assetCookie: string;
  /** True once, for the right token in time. */
  redeem(token: string, now: number): boolean;
  isBearer(authorization: string | undefined): boolean;
  isAssetCookie(value: string | undefined): boolean;
};

// Long enough for a slow first start of a browser, short enough that a link in a terminal's scroll-back is worthless.
const tokenLifeMs = 120_000;

/** A fresh session; `now` in ms since the epoch. */
export function createWindowSession(now: number): WindowSession {
  const token = secret();
  const bearer = secret();
  const assetCookie = secret();
  let redeemed = false;
  return {
    token,
    bearer,
    assetCookie,
    redeem(given, at) {
      const right = equal(given, token) && !redeemed && at - now < tokenLifeMs;
      if (right) redeemed = true;
      return right;
    },
    isBearer: (authorization) => authorization !== undefined && equal(authorization, `Bearer ${bearer}`),
    isAssetCookie: (value) => value !== undefined && equal(value, assetCookie),
  };
}

function secret(): string {
  return randomBytes(32).toString('base64url');
}

/** Compares digests, so neither content nor length shows in the time it takes. */
function equal(left: string, right: string): boolean {
  return timingSafeEqual(createHash('sha256').update(left).digest(), createHash('sha256').update(right).digest());
}

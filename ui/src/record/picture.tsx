import { useState } from "react";

import type { Picture } from "./pictures";

/** A picture that the record holds; in words where it does not, or where it is none. */
export function PictureView({ picture: { data, from }, alt }: { picture: Picture; alt: string }) {
  const [isBroken, setBroken] = useState(false);
  if (isBroken) return <p className="muted">[image, damaged]</p>;
  if (data === null) return <p className="muted">[image{from && `, not loaded: ${from}`}]</p>;
  return (
    <img
      className="picture"
      src={data}
      alt={alt}
      decoding="async"
      onError={() => setBroken(true)}
    />
  );
}

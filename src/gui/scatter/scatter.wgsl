// Round, softly shaded points, drawn into a texture that is then copied to the window. Colours are gamma-encoded and premultiplied throughout, as egui's are.

struct Scene {
    // Scene to clip space, with z = w = depth.
    projection: mat4x4<f32>,
    // Data to scene.
    scale: vec3<f32>,
    // Radius of a point in the scene.
    radius: f32,
    shift: vec3<f32>,
    // Share of the way from the old position to the new one, 0-1.
    progress: f32,
    // Colour that distant points fade to.
    background: vec3<f32>,
    // Physical pixels per unit of the scene at depth 1.
    focal: f32,
    // Colour of the ring around marked points.
    ring: vec3<f32>,
    pixels_per_point: f32,
    // Size of the texture in physical pixels.
    size: vec2<f32>,
    // Depth of the centre of the box.
    centre_depth: f32,
    // Exponent of the number of points, rounded up to a power of two.
    order_bits: u32,
    selected: u32,
    hovered: u32,
}

// Half the range of depths that the depth buffer resolves.
const REACH: f32 = 2.5;
// Step of the depth buffer between consecutive ranks at the same depth.
const DEPTH_STEP: f32 = 2.4e-7;

@group(0) @binding(0) var<uniform> scene: Scene;

struct Sprite {
    @builtin(position) position: vec4<f32>,
    // Offset from the centre of the point, in pixels.
    @location(0) offset: vec2<f32>,
    @location(1) @interpolate(flat) colour: vec3<f32>,
    @location(2) @interpolate(flat) radius: f32,
    // 0 plain, 1 hovered, 2 selected.
    @location(3) @interpolate(flat) mark: u32,
    // Index of the shape: disc, square, triangle up, diamond, triangle down.
    @location(4) @interpolate(flat) marker: u32,
}

@vertex
fn vs_point(
    @builtin(vertex_index) corner: u32,
    @location(0) from_position: vec3<f32>,
    @location(1) point: u32,
    @location(2) to_position: vec3<f32>,
    @location(3) colour: vec4<f32>,
) -> Sprite {
    var out: Sprite;
    let position = mix(from_position, to_position, scene.progress) * scene.scale + scene.shift;
    let clip = scene.projection * vec4(position, 1.0);
    let depth = clip.w;
    if depth < 0.05 {
        out.position = vec4(2.0, 2.0, 2.0, 1.0);
        return out;
    }
    out.mark = select(select(0u, 1u, point == scene.hovered), 2u, point == scene.selected);
    out.marker = u32(round(colour.a * 255.0));
    out.radius = max(scene.radius * scene.focal / depth, scene.pixels_per_point);
    // A diamond reaches beyond a disc.
    var extent = 1.1 * out.radius + 1.0;
    if out.mark != 0u {
        out.radius = out.radius * 1.15;
        extent = out.radius + 5.0 * scene.pixels_per_point;
    }
    let side = vec2(f32(corner & 1u), f32(corner >> 1u)) * 2.0 - 1.0;
    out.offset = side * extent;

    // Linear in distance. Points at the same depth (a dead unit, a plane viewed from above) are
    // ordered by bit-reversed index: deterministic, and no class covers another.
    let away = (depth - scene.centre_depth) / REACH;
    let rank = f32(reverseBits(point) >> (32u - scene.order_bits));
    var z = clamp(0.5 + 0.5 * away, 0.01, 0.99) + rank * DEPTH_STEP;
    if out.mark == 2u {
        z = 0.0;
    }
    let shifted = clip.xy + 2.0 * out.offset / scene.size * depth;
    out.position = vec4(shifted, z * depth, depth);

    let fade = smoothstep(-0.7, 0.75, away) * 0.28;
    out.colour = mix(colour.rgb, scene.background, select(fade, 0.0, out.mark != 0u));
    return out;
}

// Distance from the centre to a place, such that the outline of the marker is at 1; y upwards. The
// corners are those of the markers in figures.
fn outline_at(place: vec2<f32>, marker: u32) -> f32 {
    let size = abs(place);
    switch marker {
        case 1u: { return max(size.x, size.y) / 0.85; }
        case 2u: { return max(-place.y / 0.65, size.x * 1.737 + place.y); }
        case 3u: { return (size.x + size.y) / 1.1; }
        case 4u: { return max(place.y / 0.65, size.x * 1.737 - place.y); }
        default: { return length(place); }
    }
}

// Colour of a pixel of a sprite, not premultiplied.
fn shade(sprite: Sprite) -> vec4<f32> {
    let distance = length(sprite.offset);
    let flat_part = sprite.offset / sprite.radius;
    let outline = outline_at(flat_part, sprite.marker) * sprite.radius;
    let disc = clamp(sprite.radius + 0.5 - outline, 0.0, 1.0);

    let height = sqrt(max(1.0 - dot(flat_part, flat_part), 0.0));
    let normal = vec3(flat_part, height);
    let light = dot(normal, normalize(vec3(-0.45, 0.6, 0.75)));
    // The class colour, a little darker at the rim so that neighbours are distinct.
    var colour = sprite.colour * (0.80 + 0.24 * light - 0.30 * pow(1.0 - height, 3.0));
    colour += 0.16 * pow(max(light, 0.0), 12.0);

    if sprite.mark == 0u {
        return vec4(colour, disc);
    }
    let width = select(0.5, 1.0, sprite.mark == 2u) * scene.pixels_per_point;
    let ring_radius = sprite.radius + 3.0 * scene.pixels_per_point;
    let ring = clamp(width + 0.5 - abs(distance - ring_radius), 0.0, 1.0);
    return vec4(select(scene.ring, colour, disc > ring), max(disc, ring));
}

// First pass: fully covered pixels, which write depth and can be drawn in any order.
@fragment
fn fs_core(sprite: Sprite) -> @location(0) vec4<f32> {
    let shaded = shade(sprite);
    if shaded.a < 0.999 {
        discard;
    }
    return vec4(clamp(shaded.rgb, vec3(0.0), vec3(1.0)), 1.0);
}

// Second pass: antialiased rims, blended over what is behind.
@fragment
fn fs_rim(sprite: Sprite) -> @location(0) vec4<f32> {
    let shaded = shade(sprite);
    if shaded.a >= 0.999 || shaded.a <= 0.002 {
        discard;
    }
    return vec4(clamp(shaded.rgb, vec3(0.0), vec3(1.0)) * shaded.a, shaded.a);
}

@group(0) @binding(1) var canvas: texture_2d<f32>;

struct Overlay {
    @builtin(position) position: vec4<f32>,
    @location(0) uv: vec2<f32>,
}

// One triangle over the whole viewport.
@vertex
fn vs_overlay(@builtin(vertex_index) corner: u32) -> Overlay {
    let uv = vec2(f32((corner << 1u) & 2u), f32(corner & 2u));
    return Overlay(vec4(uv.x * 2.0 - 1.0, 1.0 - uv.y * 2.0, 0.0, 1.0), uv);
}

fn pixel(overlay: Overlay) -> vec4<f32> {
    let size = vec2<f32>(textureDimensions(canvas));
    return textureLoad(canvas, vec2<i32>(overlay.uv * size), 0);
}

@fragment
fn fs_overlay(overlay: Overlay) -> @location(0) vec4<f32> {
    return pixel(overlay);
}

// For a window with an sRGB surface, which encodes gamma itself.
@fragment
fn fs_overlay_linear(overlay: Overlay) -> @location(0) vec4<f32> {
    let encoded = pixel(overlay);
    let low = encoded.rgb / 12.92;
    let high = pow((encoded.rgb + 0.055) / 1.055, vec3(2.4));
    return vec4(select(high, low, encoded.rgb <= vec3(0.04045)), encoded.a);
}

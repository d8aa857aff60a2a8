// An eye image with marks, to look at and to correct: zoom, pan, heatmap, contrast; marks can be dragged and nudged.
// Points are (x, y) in image pixels, (0, 0) the centre of the top-left pixel, so the image spans -0.5 .. width - 0.5.
const RING = 8;
const LABEL = 22;
const MOST_ZOOM = 40;
const NUDGE = 0.25;

// The keys of a view are for the image, whatever was clicked last; and what is operated by keys keeps them.
const CONTROLS = "button, [role=checkbox], [role=switch]";
const KEEPS_KEYS = "[role=checkbox], [role=switch], .q-slider";

function releaseFocus(event) {
  const isPointer = event.detail > 0; // a click by keyboard has none
  const control = event.target.closest(CONTROLS);
  if (isPointer && control) setTimeout(() => document.activeElement.blur(), 0); // after its own handling
}

function keepKeys(event) {
  if (event.target.closest(KEEPS_KEYS)) event.stopPropagation();
}

export default {
  template: `
    <svg ref="svg" class="eye-canvas" tabindex="0" role="group" :aria-label="title" :viewBox="view.join(' ')"
         :style="{ aspectRatio: width + ' / ' + height }" preserveAspectRatio="xMidYMid meet"
         @wheel.prevent="onWheel" @pointerdown="onDown($event, null)" @pointermove="onMove" @pointerup="onUp"
         @pointercancel="onUp" @dblclick="reset">
      <image v-if="src" :href="src" x="-0.5" y="-0.5" :width="width" :height="height" preserveAspectRatio="none"
             :style="{ filter: 'contrast(' + contrast + ') brightness(' + brightness + ')', imageRendering: 'pixelated' }" />
      <image v-if="overlay" class="eye-overlay" :href="overlay" x="-0.5" y="-0.5" :width="width" :height="height"
             preserveAspectRatio="none" />
      <g v-for="mark in shown" :key="mark.channel" class="eye-mark" :data-led="mark.label"
         :class="{ absent: !mark.present, warn: mark.warn, selected: mark.channel === selected }"
         :tabindex="editable ? 0 : null" :role="editable ? 'button' : 'img'" :aria-label="mark.title" :stroke="mark.colour"
         :fill="mark.colour" @pointerdown.stop="onDown($event, mark)" @keydown="onKey($event, mark)">
        <title>{{ mark.title }}</title>
        <circle v-if="editable" class="eye-grip" :cx="mark.x" :cy="mark.y" :r="2.2 * RING * px" />
        <circle v-if="mark.sigma" class="eye-sigma" :cx="mark.x" :cy="mark.y" :r="mark.sigma" :stroke-width="px" />
        <circle class="eye-halo" :cx="mark.x" :cy="mark.y" :r="RING * px" :stroke-width="4 * px" />
        <circle class="eye-ring" :cx="mark.x" :cy="mark.y" :r="RING * px" :stroke-width="(mark.warn ? 3 : 2) * px"
                :stroke-dasharray="mark.present ? null : 3 * px + ' ' + 3 * px" />
        <path class="eye-cross" :d="cross(mark)" :stroke-width="px" />
        <text v-if="names" :x="mark.at[0]" :y="mark.at[1]" :font-size="13 * px" :stroke-width="3 * px">{{ mark.label }}</text>
      </g>
    </svg>
  `,
  props: {
    src: String,
    overlay: String,
    width: Number,
    height: Number,
    marks: Array,
    editable: Boolean,
    names: Boolean,
    contrast: Number,
    brightness: Number,
    title: String,
  },
  data() {
    return { view: [-0.5, -0.5, this.width, this.height], px: 1, drag: null, touches: {}, selected: null, RING };
  },
  computed: {
    shown() {
      const marks = this.marks.map((mark) => {
        const isDragged = this.drag && this.drag.channel === mark.channel;
        return isDragged ? { ...mark, x: this.drag.x, y: this.drag.y, present: true } : mark;
      });
      const x = marks.reduce((sum, mark) => sum + mark.x, 0) / (marks.length || 1);
      const y = marks.reduce((sum, mark) => sum + mark.y, 0) / (marks.length || 1);
      return marks.map((mark) => {
        const away = [mark.x - x, mark.y - y - 1e-3];
        const step = (LABEL * this.px) / Math.hypot(...away);
        return { ...mark, at: [mark.x + away[0] * step, mark.y + away[1] * step] };
      });
    },
  },
  watch: {
    width: "reset",
    height: "reset",
  },
  mounted() {
    this.observer = new ResizeObserver(() => this.measure());
    this.observer.observe(this.$refs.svg);
    this.measure();
    document.body.addEventListener("click", releaseFocus, true);
    document.body.addEventListener("keydown", keepKeys);
  },
  unmounted() {
    this.observer.disconnect();
    document.body.removeEventListener("click", releaseFocus, true);
    document.body.removeEventListener("keydown", keepKeys);
  },
  methods: {
    measure() {
      const box = this.$refs.svg.getBoundingClientRect();
      this.px = box.width ? Math.max(this.view[2] / box.width, this.view[3] / box.height) : 1;
    },
    at(event) {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.$refs.svg.getScreenCTM().inverse());
      return [point.x, point.y];
    },
    cross(mark) {
      const [inner, outer] = [RING * this.px, 1.6 * RING * this.px];
      const arm = (dx, dy) =>
        `M${mark.x + dx * inner} ${mark.y + dy * inner}L${mark.x + dx * outer} ${mark.y + dy * outer}`;
      return arm(1, 0) + arm(-1, 0) + arm(0, 1) + arm(0, -1);
    },
    reset() {
      this.look(-0.5, -0.5, this.width);
    },
    zoom(factor, center) {
      const [x, y, w, h] = this.view;
      const [cx, cy] = center || [x + w / 2, y + h / 2];
      const width = Math.min(Math.max(w / factor, this.width / MOST_ZOOM), this.width);
      this.look(cx - ((cx - x) * width) / w, cy - ((cy - y) * width) / w, width);
    },
    look(x, y, width) {
      const height = (width * this.height) / this.width;
      const held = (low, value, high) => Math.min(Math.max(value, low), high);
      this.view = [held(-0.5, x, this.width - 0.5 - width), held(-0.5, y, this.height - 0.5 - height), width, height];
      this.$nextTick(() => this.measure());
    },
    onWheel(event) {
      this.zoom(Math.exp(-event.deltaY / 400), this.at(event));
    },
    onDown(event, mark) {
      if (event.button) return;
      this.$refs.svg.setPointerCapture(event.pointerId);
      this.touches[event.pointerId] = [event.clientX, event.clientY];
      if (Object.keys(this.touches).length > 1) {
        this.drag = null;
        this.pinch = this.spread();
        return;
      }
      if (mark && this.editable) {
        const [x, y] = this.at(event);
        this.selected = mark.channel;
        this.drag = { channel: mark.channel, x: mark.x, y: mark.y, dx: mark.x - x, dy: mark.y - y, moved: false };
      } else {
        this.drag = { pan: this.at(event) };
      }
    },
    spread() {
      const [a, b] = Object.values(this.touches);
      return Math.hypot(a[0] - b[0], a[1] - b[1]);
    },
    onMove(event) {
      if (!(event.pointerId in this.touches)) return;
      this.touches[event.pointerId] = [event.clientX, event.clientY];
      if (Object.keys(this.touches).length > 1) {
        const spread = this.spread();
        this.zoom(spread / this.pinch, this.at(event));
        this.pinch = spread;
      } else if (this.drag && this.drag.pan) {
        const [x, y] = this.at(event);
        this.look(this.view[0] + this.drag.pan[0] - x, this.view[1] + this.drag.pan[1] - y, this.view[2]);
      } else if (this.drag) {
        const [x, y] = this.at(event);
        this.drag = { ...this.drag, x: x + this.drag.dx, y: y + this.drag.dy, moved: true };
      }
    },
    onUp(event) {
      delete this.touches[event.pointerId];
      const drag = this.drag;
      if (drag && drag.moved) {
        this.$emit("move", { channel: drag.channel, x: drag.x, y: drag.y, exact: event.shiftKey });
        setTimeout(() => (this.drag = null), 300); // until the page has answered
      } else {
        this.drag = null;
      }
    },
    onKey(event, mark) {
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      const step = steps[event.key];
      if (step) {
        const size = event.shiftKey ? 4 * NUDGE : NUDGE;
        this.$emit("move", { channel: mark.channel, x: mark.x + step[0] * size, y: mark.y + step[1] * size, exact: true });
      } else if (["Delete", "Backspace"].includes(event.key)) {
        this.$emit("toggle", { channel: mark.channel });
      } else {
        return;
      }
      event.preventDefault();
      event.stopPropagation();
    },
  },
};
